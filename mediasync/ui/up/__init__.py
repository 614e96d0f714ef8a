"""What ``manage.py up`` does: prepare the installation, then keep its three processes running."""
