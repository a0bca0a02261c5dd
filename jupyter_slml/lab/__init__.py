"""The Jupyter server extension.

Lives here: what the browser may ask of the workspace, one handler file per noun.
May import: client, settings, domain, errors; never the daemon's own rooms.
Promises: every verb is authenticated and authorised; the user's Jupyter credentials never leave
this process; the daemon's errors arrive in the browser unchanged; an open panel does not keep an
idle server from being culled.
First file to read: app.py.
"""
