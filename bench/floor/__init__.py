"""What a case costs at the least with these libraries: each part alone, and nothing of ours around it."""
