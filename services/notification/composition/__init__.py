"""Parts of the composition root, each as large as one page."""
