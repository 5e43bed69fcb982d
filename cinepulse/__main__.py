"""`python -m cinepulse` is the `cinepulse` command."""

from __future__ import annotations

import sys

from cinepulse.cli import main

sys.exit(main())
