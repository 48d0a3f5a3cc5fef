"""Reading rows, wherever they lie."""
