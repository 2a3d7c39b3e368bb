"""Pictures of panels: units, axes, legends, lines that break where there is no value."""

import math
import unittest
import xml.etree.ElementTree

import charts

PANEL = {"title": "A <panel>", "fieldConfig": {"defaults": {
    "unit": "s", "thresholds": {"steps": [{"value": None}, {"value": 0.5}]}}}}


def drawn(series, panel=PANEL):
    text = charts.svg(panel, series, (0, 10), (600, 300))
    return xml.etree.ElementTree.fromstring(text), text


class Charts(unittest.TestCase):

    def test_values_are_written_in_the_panels_unit(self):
        for value, unit, text in ((0.5, "percentunit", "50 %"), (0.0123, "s", "12.3 ms"),
                                  (3.2e-5, "s", "32 µs"), (0, "s", "0 s"), (2048, "bytes", "2 KiB"),
                                  (2048, "Bps", "2 KiB/s"), (1234, "short", "1.23 k"),
                                  (7, "reqps", "7 /s"), (math.nan, "s", "–")):
            self.assertEqual(charts.value_text(value, unit), text)

    def test_legend_is_made_of_labels(self):
        self.assertEqual(charts.legend_of("{{pod}} shard {{shard}}", {"pod": "a", "shard": "0"}),
                         "a shard 0")

    def test_line_breaks_where_there_is_no_value(self):
        points = [(0, 1.0), (1, 2.0), (2, math.nan), (3, 1.0)]
        _, text = drawn([("x", points)])
        self.assertEqual(text.count("<path"), 2)

    def test_alerts_line_is_drawn_where_values_come_near_it(self):
        for value, count in ((0.4, 1), (0.01, 0)):
            _, text = drawn([("x", [(0, value), (9, value)])])
            self.assertEqual(text.count('class="limit"'), count)

    def test_legend_has_a_bound_and_says_so(self):
        series = [(f"s{number}", [(0, 1.0), (9, 1.0)]) for number in range(9)]
        root, text = drawn(series)
        self.assertIn("and 3 more", text)
        heights = [float(one.get("y")) for one in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLess(max(heights), 300)

    def test_nothing_and_zero_are_pictures_too(self):
        self.assertIn("nothing drawn", drawn([])[1])
        self.assertIn("<path", drawn([("x", [(0, 0.0), (9, 0.0)])])[1])


if __name__ == "__main__":
    unittest.main()
