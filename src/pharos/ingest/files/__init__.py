"""Files as sources of log lines: followed as they grow, through rotation, from where the last process was."""
