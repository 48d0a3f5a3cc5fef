"""Small inputs with images in them, as other people's programs wrote them (`make.py` says how)."""
