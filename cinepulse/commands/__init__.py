"""The commands: each module reads options, builds settings and calls one room. Only this package reaches all rooms."""
