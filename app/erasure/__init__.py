"""What is held on people, and how it goes: found, shown, kept for a reason, erased."""
