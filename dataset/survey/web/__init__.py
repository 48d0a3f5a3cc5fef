"""The web application for raters: it never opens the truth, so it cannot tell it."""
