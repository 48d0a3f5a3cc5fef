"""The hostile web: addresses that strangers chose, downloaded under guard."""
