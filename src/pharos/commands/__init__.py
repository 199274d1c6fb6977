"""The commands of `pharos`, one module each; each is imported only when it is called."""
