"""What an audit found: each check with how often it was made, and what contradicts it."""

import sys


class Findings:
    """Counts checks and keeps counterexamples."""

    def __init__(self):
        self.made, self.broken, self.skipped = {}, {}, {}

    def expect(self, check, holds, counterexample):
        """Counts one case of `check`; `counterexample` is text, or makes it when asked."""
        self.made[check] = self.made.get(check, 0) + 1
        if not holds:
            text = counterexample() if callable(counterexample) else counterexample
            self.broken.setdefault(check, []).append(text)

    def skip(self, check, why):
        """Counts a case that could not be decided."""
        cases = self.skipped.setdefault(check, {})
        cases[why] = cases.get(why, 0) + 1

    def print(self, file=sys.stdout):
        """One line for each check; the first ten counterexamples of each broken one. True if there are none."""
        for check, made in self.made.items():
            broken = self.broken.get(check, [])
            print(f"{'FAIL' if broken else 'ok':4} {made:>9,}  {check}", file=file)
            for why, count in self.skipped.get(check, {}).items():
                print(f"     {count:>9,}    not decided: {why}", file=file)
            for text in broken[:10]:
                print(f"               {text}", file=file)
            if len(broken) > 10:
                print(f"               … and {len(broken) - 10:,} more", file=file)
        for check in self.skipped.keys() - self.made.keys():
            print(f"FAIL         0  {check}: never made", file=file)
        failed = bool(self.broken or self.skipped.keys() - self.made.keys())
        cases = sum(self.made.values())
        print(f"{len(self.made)} checks, {cases:,} cases, {sum(map(len, self.broken.values())):,} counterexamples", file=file)
        return not failed
