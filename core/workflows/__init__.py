"""One file per verb: functions of an open project that command line, window and notebook call
alike.
"""
