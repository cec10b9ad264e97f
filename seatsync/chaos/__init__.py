"""`manage.py chaos`: many sales on the real stack under faults and kills, and what became of every promise."""
