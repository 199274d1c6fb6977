"""Who is on call: schedules of layers, whose turns change hands on the wall clock of a place.

`schedule` says what a schedule is and reads one, `local_time` when a wall clock shows a time, `shifts`
computes who is on call when, `calendar` reads and writes iCalendar. All of it are functions.
"""
