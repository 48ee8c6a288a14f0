"""What runs and why it does not: views and followers, who waits for whom, how all of it stands."""
