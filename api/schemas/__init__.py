"""What goes over the wire, closed: fields that are not listed are refused, and never sent."""
