"""promtool accepts the rules, and every alert fires and stays quiet as its cases in alerts/ say."""

import pathlib
import shutil
import tempfile
import unittest

import tree
import yaml

TESTS = sorted((tree.ROOT / "tests/deploy/alerts").glob("*_test.yaml"))


def a_case_fails(test, rule_files):
    """Whether a case of one promtool test file fails with other rule files.

    One by one: the first case usually tells, and long ones take seconds.
    """
    content = yaml.safe_load(test.read_text())
    content["rule_files"] = [str(path) for path in rule_files]
    for case in content["tests"]:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, test.name)
            copy.write_text(yaml.safe_dump({**content, "tests": [case]}))
            if tree.promtool("test", "rules", copy)[0] != 0:
                return True
    return False


class Rules(unittest.TestCase):

    def test_promtool_accepts_them(self):
        code, output = tree.promtool("check", "rules", *tree.RULE_FILES)
        self.assertEqual(code, 0, output)

    def test_every_case_of_every_alert(self):
        self.assertTrue(TESTS)
        code, output = tree.promtool("test", "rules", *TESTS)
        self.assertEqual(code, 0, output)
        self.assertEqual(output.count("SUCCESS"), len(TESTS), output)


class SelfTest(unittest.TestCase):
    """The cases notice a rule that is wrong."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.recording = [shutil.copy(path, folder.name) for path in tree.RULE_FILES
                          if path != tree.ALERTS]
        self.alerts = pathlib.Path(folder.name, "alerts.yaml")

    def fails_with(self, test, edit):
        """Whether the test fails when `edit` has been done to its alert's rule."""
        rules = yaml.safe_load(tree.ALERTS.read_text())
        alert = test.name[:-len("_test.yaml")]
        for group in rules["groups"]:
            for rule in group["rules"]:
                if rule["alert"] == alert:
                    edit(rule)
        self.alerts.write_text(yaml.safe_dump(rules))
        return a_case_fails(test, [*self.recording, self.alerts])

    def test_cases_pass_with_the_rule_as_it_is(self):
        self.assertFalse(self.fails_with(TESTS[0], lambda rule: None))

    def test_a_rule_that_never_fires_is_noticed(self):
        for test in TESTS:
            never = self.fails_with(test, lambda rule: rule.update(expr="vector(1) < 0"))
            self.assertTrue(never, test)

    def test_a_rule_without_patience_is_noticed(self):
        for test in TESTS:
            if test.name.startswith("WeftFibersGrowing"):
                continue  # Its patience is in the query: it compares with an hour before.
            self.assertTrue(self.fails_with(test, lambda rule: rule.pop("for")), test)


if __name__ == "__main__":
    unittest.main()
