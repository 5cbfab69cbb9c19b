"""Real processes under real faults, for an hour: `make soak`. Then the wallet's money and ours."""
