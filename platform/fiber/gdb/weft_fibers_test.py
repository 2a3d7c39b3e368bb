"""The commands of weft_fibers.py, on a running program and on cores."""

import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

FOLDER = pathlib.Path("platform/fiber/gdb")
SCRIPT = FOLDER / "weft_fibers.py"
PROGRAM = FOLDER / "fibers_to_debug"
REFUSED = ("ptrace: Operation not permitted", "Could not trace the inferior process",
           "ptrace: Inappropriate")
LIST = "weft fibers"


def gdb(*commands):
    """The output of gdb for the commands. Skips the test where there is no leave to trace."""
    line = ["/usr/bin/gdb", "--batch", "-nx", "-ex", "set pagination off",
            "-ex", "set width 0", "-ex", "set debuginfod enabled off", "-ex", f"source {SCRIPT}"]
    for command in commands:
        line += ["-ex", command]
    run = subprocess.run([*line, str(PROGRAM)], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    for text in REFUSED:
        if text in run.stdout:
            raise unittest.SkipTest(f"this machine refuses ptrace: {text}")
    return run.stdout


def live(*commands):
    return gdb("break AllAreThere", "run", *commands)


class FibersTest(unittest.TestCase):
    """Base: what has to be seen, however the program is looked at."""

    def check_list(self, output):
        row = r"(?m)^ +%d +%d +%s +[0-9.]+s +%s  %s$"
        for number, shard, state, parent, text in (
                (1, 0, r"running\*", "-", "Runtime::Run"),
                (3, 0, "parked", 1, "holder, sleep"),
                (5, 0, "parked", 1, "shop.v1.Shop/Get, mutex 0x[0-9a-f]+"),
                (7, 0, "ready", 1, "late"),
                (2, 1, "parked", "-", "Runtime::Run, task group 0x[0-9a-f]+"),
                (4, 1, "parked", 2, "other shard, sleep")):
            self.assertRegex(output, row % (number, shard, state, parent, text))
        self.assertIn("6 fibers; * runs", output)

    def check_backtrace(self, output):
        """Of fiber 5."""
        self.assertRegex(output, r"fiber 5 'shop.v1.Shop/Get' on shard 0, parked on mutex 0x")
        self.assertRegex(
            output, r"(?s)#1 .*weft::Mutex::Lock.*\n#[0-9]+ .*\bReadPrice.*\n#[0-9]+ .*\bGet\b")
        self.assertNotIn("#0 ", output)
        self.assertNotIn("corrupt stack", output)


class LiveTest(FibersTest):
    def test_lists_the_fibers_of_all_shards(self):
        self.check_list(live(LIST))

    def test_lists_those_whose_name_has_a_text(self):
        output = live("weft fibers Shop/")
        self.assertIn("shop.v1.Shop/Get", output)
        self.assertIn("1 fibers; * runs", output)

    def test_a_parked_fiber_has_a_backtrace(self):
        output = live("echo \\nbegin\\n", "weft fiber 5 bt")
        self.check_backtrace(output.split("\nbegin\n")[1])

    def test_a_process_is_attached_to(self):
        with subprocess.Popen([PROGRAM, "--wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            self.assertEqual(process.stdout.readline(), "there\n")
            output = gdb(f"attach {process.pid}", LIST, "weft fiber 5 bt", "detach")
            process.stdin.close()
            self.assertEqual(process.wait(timeout=60), 0)
        self.check_list(output)
        self.check_backtrace(output.split("fibers; * runs\n")[1])

    def test_a_parked_fiber_of_another_shard_has_a_backtrace(self):
        output = live("echo \\nbegin\\n", "weft fiber 4 bt").split("\nbegin\n")[1]
        self.assertRegex(output, r"(?s)weft::SleepFor.*SleepOnTheOtherShard")

    def test_a_running_fiber_has_that_of_its_thread(self):
        output = live("echo \\nbegin\\n", "weft fiber 1 bt").split("\nbegin\n")[1]
        self.assertRegex(output, r"fiber 1 'Runtime::Run' runs: thread [0-9]+\n#0 .*AllAreThere")

    def test_afterwards_the_thread_is_as_it_was_and_goes_on(self):
        output = live("weft fiber 5 bt", "weft fiber 5", "weft fiber", "echo \\nbegin\\n", "bt 1",
                      "continue").split("\nbegin\n")[1]
        self.assertRegex(output, r"^#0 .*AllAreThere")
        self.assertIn("exited normally", output)

    def test_a_selected_fiber_is_let_go_when_the_program_goes_on(self):
        self.assertIn("exited normally", live("weft fiber 5", "continue"))

    def test_frames_of_a_selected_fiber_can_be_walked(self):
        output = live("weft fiber 5", "frame function ReadPrice", "echo \\nbegin\\n", "up")
        self.assertRegex(output.split("\nbegin\n")[1], r"#[0-9]+ .*\bGet\b")

    def test_a_command_about_another_fiber_leaves_the_selection_as_it_was(self):
        output = live("weft fiber 5", "frame function ReadPrice", "weft fiber 4 bt",
                      "weft fiber 1 bt", "echo \\nbegin\\n", "frame")
        self.assertRegex(output.split("\nbegin\n")[1], r"^#[1-9][0-9]* .*\bReadPrice")

    def test_what_cannot_be_shown_is_said(self):
        self.assertIn("fiber 7 has not begun to run", live("weft fiber 7 bt"))
        self.assertIn("there is no fiber 99", live("weft fiber 99 bt"))
        self.assertIn("say which fiber by its number", live("weft fiber x"))
        self.assertIn("there is no process to look at", gdb("weft fibers"))


class CoreTest(FibersTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check_core(self, core):
        commands = (f"core-file {core}", LIST, "echo \\nbegin\\n", "weft fiber 5 bt")
        listed, backtrace = gdb(*commands).split("\nbegin\n")
        self.check_list(listed)
        self.check_backtrace(backtrace)

    def test_a_core_of_the_kernel(self):
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
        if pattern.startswith(("|", "/")):
            self.skipTest(f"cores do not go to the program's folder, but to {pattern}")
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if hard == 0:
            self.skipTest("this machine allows no cores: ulimit -H -c is 0")
        subprocess.run(
            [PROGRAM.resolve(), "--abort"], cwd=self.folder, check=False, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
        cores = os.listdir(self.folder)
        self.assertEqual(len(cores), 1, cores)
        self.check_core(self.folder / cores[0])

    def test_a_core_by_gcore(self):
        core = self.folder / "core"
        output = live(f"gcore {core}")
        self.assertTrue(core.exists(), output)
        if "gcore leaves them out" not in gdb(f"core-file {core}", LIST):
            self.check_core(core)


if __name__ == "__main__":
    unittest.main()
