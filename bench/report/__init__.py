"""From result lines to a page that people read."""
