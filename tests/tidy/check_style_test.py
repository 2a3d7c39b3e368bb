"""The style rules find what they are for."""

import unittest

from tests.tidy import check_style


class CheckStyleTest(unittest.TestCase):

    def assert_problem(self, path, text, expected):
        problems = list(check_style.check(path, text))
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(expected, problems[0])

    def test_clean_file(self):
        self.assertEqual(list(check_style.check("a.cc", "int x;\n")), [])

    def test_long_line(self):
        self.assert_problem("a.cc", "\n" + "x" * 101 + "\n", "a.cc:2: 101 columns")
        self.assertEqual(list(check_style.check("a.cc", "// https://" + "x" * 100 + "\n")), [])

    def test_long_file(self):
        self.assert_problem("a.h", "\n" * 301, "a.h:301: 301 lines, the limit is 300")
        self.assertEqual(list(check_style.check("a.cc", "\n" * 500)), [])

    def test_white_space(self):
        self.assert_problem("a.cc", "int x; \n", "a.cc:1: white space")
        self.assert_problem("a.cc", "\tint x;\n", "a.cc:1: a tab")
        self.assert_problem("a.cc", "int x;", "a.cc:1: no newline")

    def test_python_that_does_not_parse(self):
        self.assert_problem("a.py", "x = 1\nif x\n", "a.py:2: ")


if __name__ == "__main__":
    unittest.main()
