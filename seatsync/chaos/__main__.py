"""`python -m seatsync.chaos`: a run in a folder of its own, which `manage.py chaos` turns into."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from seatsync.chaos.options import Options, options_add, options_of
from seatsync.core.embedded.errors import EmbeddedError
from seatsync.launch.interrupts import Interrupts, Stopped


def main() -> int:
    """The exit status: 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="manage.py chaos")
    options_add(parser)
    options = options_of(parser.parse_args())
    interrupts = Interrupts()
    interrupts.listen()
    folder = Path(tempfile.mkdtemp(prefix="seatsync-chaos-"))
    # PostgreSQL runs as another user where we are root, and must be able to get here.
    folder.chmod(0o755)
    try:
        return _run(options, folder, interrupts)
    except Stopped as stopped:
        return stopped.status
    except EmbeddedError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    finally:
        if options.keep:
            sys.stderr.write(f"kept: {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run(options: Options, folder: Path, interrupts: Interrupts) -> int:
    from seatsync.chaos.world import World

    world = World(folder, interrupts, seed=options.seed)
    try:
        world.servers_start()
        # Only now is it known which database is ours.
        from seatsync.environment import use_settings

        use_settings()
        import django

        django.setup()
        from seatsync.chaos.run import kept, run, too_few_conflicts

        figures = run(options, world)
    finally:
        interrupts.ignore()
        world.stop()
    sys.stdout.write((json.dumps(figures) if options.as_json else json.dumps(figures, indent=1)) + "\n")
    if few := too_few_conflicts(figures):
        sys.stderr.write(f"{few}\n")
    return 0 if kept(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
