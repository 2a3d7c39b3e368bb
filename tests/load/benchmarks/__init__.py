"""The measurements behind `./weft bench NAME`: one module each, and what they share."""
