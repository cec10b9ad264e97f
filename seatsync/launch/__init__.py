"""Running the whole product on one machine: `python -m seatsync.launch`, called by bin/start."""
