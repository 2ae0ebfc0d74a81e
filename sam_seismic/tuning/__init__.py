"""What is trained: which parts of SAM are frozen and which are not."""
