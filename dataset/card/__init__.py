"""The card of a data set: README.md of its folder and of its page on the Hub."""
