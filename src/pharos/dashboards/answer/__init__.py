"""What a dashboard shows, answered: options of variables, and the frames of every panel.

`stream` is the door: all that one reader asks of a dashboard, in lines as they are ready.
"""
