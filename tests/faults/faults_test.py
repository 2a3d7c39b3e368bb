"""Each fault for a moment: README.md. No figure is looked at, only what was lost or kept."""

import concurrent.futures
import unittest

from tests.faults import try_faults

_SECONDS = 0.5
_AT_ONCE = 4  # The trials wait for most of their time.


class FaultsTest(unittest.TestCase):
    def test_nothing_is_lost_hangs_or_leaks(self):
        names = list(try_faults.SCENARIOS)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            trials = pool.map(lambda name: try_faults.try_scenario(name, _SECONDS), names)
            for name, (_, faults) in zip(names, trials):
                with self.subTest(scenario=name):
                    self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main()
