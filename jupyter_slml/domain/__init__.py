"""What the words mean.

Lives here: names, specs, records, states, events, orders, outcomes, value formats, life-cycle tables.
May import: `errors` and the standard library; pydantic. Heavy libraries only inside `formats`, when a value needs them.
Promises: pure. No I/O, no clock, no threads; every record is frozen and changes by `evolve`.
First file to read: `records.py`, then `lifecycles/jobs.py`.
"""
