"""What is answered about checks of health, components and status pages, and the public pages themselves."""
