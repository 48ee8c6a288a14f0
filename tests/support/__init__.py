"""What tests share: services, callers, inputs, and what they look at."""
