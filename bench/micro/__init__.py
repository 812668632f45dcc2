"""What single operations cost: for before and after, and for nothing to become dearer unseen."""
