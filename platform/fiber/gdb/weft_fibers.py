"""gdb commands for the fibers of a Weft process, running or dead (a core):

    (gdb) source platform/fiber/gdb/weft_fibers.py
    (gdb) weft fibers            list all fibers; `weft fibers TEXT` those with TEXT in their name
    (gdb) weft fiber ID bt       the backtrace of a fiber; so with every command: info locals, ...
    (gdb) weft fiber ID          select a fiber: bt, frame, up, print and info locals are about it
    (gdb) weft fiber             select the thread again

The program needs its symbol table; with debug information backtraces have lines and variables. Of
a fiber that has not begun yet there is no backtrace. x86-64 only. Nothing is written to the program
and none of its code is run.

How it works. The program keeps a table, weft::internal::debugger_view, of its shards and of where
in memory a fiber's record has what (internal/debugger_view.h). A fiber that waits has its registers
on its stack, where Boost.Context has put them (internal/saved_stack.cc). An unwinder tells gdb that
these are the caller's registers of the selected thread's innermost frame: the fiber's frames then
are numbered from 1 on, and frame 0, the thread's own, is left out of backtraces.
"""

import collections

import gdb
import gdb.unwinder

VIEW = "weft::internal::debugger_view"
VERSION = 1
RECORD_FIELDS = (
    "all_next", "context", "body", "name", "parent_id", "wait_kind", "wait_object", "state",
    "has_stack", "id", "spawned_nanos")
VIEW_FIELDS = ("version", "shards", "continuation", *RECORD_FIELDS)
SHARD_FIELDS = ("next", "index", "thread_id", "runtime_name", "all", "current", "loop_nanos")
STATES = ("idle", "ready", "running", "parked")
# jump_fcontext has pushed two words of control registers, then these, then called nobody.
SAVED = ("r12", "r13", "r14", "r15", "rbx", "rbp", "rip")
SAVED_AT = 16
SAVED_BYTES = SAVED_AT + 8 * len(SAVED)


def read_bytes(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def read_integer(address):
    return int.from_bytes(read_bytes(address, 8), "little")


def read_text(address, limit=200):
    """The C string there, or as much of it as can be read."""
    text = b""
    while address and len(text) < limit:
        next_byte = address + len(text)
        try:  # No further than to the page's end: there may be no memory behind it.
            part = read_bytes(next_byte, min(limit - len(text), 4096 - next_byte % 4096))
        except gdb.MemoryError:
            return text.decode(errors="replace") + "<no memory>"
        before, end, _ = part.partition(b"\0")
        text += before
        if end:
            break
    return text.decode(errors="replace")


def read_struct(address, fields):
    return {field: read_integer(address + 8 * i) for i, field in enumerate(fields)}


class Fiber:
    """A fiber's record, and the shard it belongs to."""

    def __init__(self, view, shard, address):
        self.shard = shard
        # In one piece: there may be a hundred thousand of them.
        record = read_bytes(address, 8 + max(view[field] for field in RECORD_FIELDS))

        def number(field, size=8):
            return int.from_bytes(record[view[field]:view[field] + size], "little")

        context = number("context")
        if context == 0:
            raise gdb.GdbError(
                "weft: the fibers' stacks are not in this core. gdb's own gcore leaves them out "
                "where Linux is 6.13 or later, as it stops at the guards between them: take a core "
                "that the kernel has written, by SIGABRT")
        self.saved = context + view["continuation"]
        self.next = number("all_next")
        self.name = read_text(number("name"))
        self.id = number("id")
        self.parent_id = number("parent_id")
        self.state = STATES[number("state", size=1)]
        self.has_stack = number("has_stack", size=1) != 0
        self.has_task = number("body") != 0
        self.age_seconds = (read_integer(shard["loop_nanos"]) - number("spawned_nanos")) / 1e9
        self.waits_for = ""
        if self.state == "parked":
            self.waits_for = read_text(number("wait_kind"))
            if number("wait_object"):
                self.waits_for += f" 0x{number('wait_object'):x}"
        self.is_current = read_integer(shard["current"]) == address

    def registers(self):
        """What the fiber goes on with, once it is resumed."""
        saved = read_integer(self.saved)
        registers = {name: read_integer(saved + SAVED_AT + 8 * i) for i, name in enumerate(SAVED)}
        registers["rsp"] = saved + SAVED_BYTES
        return registers

    def thread(self):
        """The thread of its shard."""
        for thread in gdb.selected_inferior().threads():
            if self.shard["thread_id"] in thread.ptid[1:]:
                return thread
        raise gdb.GdbError(f"weft: there is no thread {self.shard['thread_id']}, which is the "
                           f"thread of shard {self.shard['index']}")


def find_view():
    if not gdb.selected_inferior().threads():
        raise gdb.GdbError("weft: there is no process to look at: start the program, attach to it "
                           "or load a core")
    try:
        address = int(gdb.parse_and_eval(f"&'{VIEW}'"))
        version = read_integer(address)
    except gdb.error as error:
        raise gdb.GdbError(f"weft: there is no symbol {VIEW}: this is no Weft program, or it is "
                           "stripped; load its symbols with `symbol-file`") from error
    if version != VERSION:
        raise gdb.GdbError(f"weft: the program's table is of version {version}, this script knows "
                           f"{VERSION}: take the script of the program's source tree")
    return read_struct(address, VIEW_FIELDS)


def all_fibers():
    """Those with a task, by shard and number."""
    view = find_view()
    fibers = []
    shard_address = view["shards"]
    while shard_address:
        shard = read_struct(shard_address, SHARD_FIELDS)
        address = read_integer(shard["all"])
        while address:
            fiber = Fiber(view, shard, address)
            if fiber.has_task:
                fibers.append(fiber)
            address = fiber.next
        shard_address = shard["next"]
    return sorted(fibers, key=lambda fiber: (fiber.shard["index"], fiber.id))


def find_fiber(argument):
    try:
        number = int(argument)
    except ValueError as error:
        raise gdb.GdbError("weft: say which fiber by its number, see `weft fibers`") from error
    found = [fiber for fiber in all_fibers() if fiber.id == number]
    if not found:
        raise gdb.GdbError(f"weft: there is no fiber {number} (any more), see `weft fibers`")
    if len(found) > 1:
        raise gdb.GdbError(f"weft: {len(found)} runtimes have a fiber {number}")
    return found[0]


# A fiber's registers, shown behind the innermost frame (its rsp and rip) of a thread of gdb.
Selection = collections.namedtuple("Selection", "thread innermost registers")


class FiberUnwinder(gdb.unwinder.Unwinder):
    """Puts a fiber's frames behind the innermost frame of a thread."""

    class FrameId:
        def __init__(self, sp, pc):
            self.sp = sp
            self.pc = pc

    def __init__(self):
        super().__init__("weft-fiber")
        self.selection = None

    def select(self, selection):
        """Returns what was selected before; None: the thread itself."""
        before, self.selection = self.selection, selection
        gdb.invalidate_cached_frames()
        return before

    def select_fiber(self, fiber):
        self.select(None)
        frame = gdb.newest_frame()
        innermost = tuple(int(frame.read_register(name)) for name in ("rsp", "rip"))
        self.select(Selection(gdb.selected_thread().ptid, innermost, fiber.registers()))
        gdb.execute("frame 1", to_string=True)

    def is_active(self):
        thread = gdb.selected_thread()
        return None not in (self.selection, thread) and thread.ptid == self.selection.thread

    def __call__(self, pending_frame):
        if not self.is_active():
            return None
        here = tuple(int(pending_frame.read_register(name)) for name in ("rsp", "rip"))
        if here != self.selection.innermost:
            return None  # One of the fiber's; or the thread has gone on.
        registers = self.selection.registers
        # Further in than the fiber's own frames, or gdb takes the stack for a broken one.
        below = registers["rsp"] - SAVED_BYTES
        integer = pending_frame.architecture().integer_type(64, False)
        unwind = pending_frame.create_unwind_info(
            self.FrameId(gdb.Value(below).cast(integer), pending_frame.read_register("rip")))
        for name, value in registers.items():
            unwind.add_saved_register(name, gdb.Value(value).cast(integer))
        return unwind


class HideInnermostFrame:
    """A frame filter: frame 0 is the thread's while a fiber is selected."""

    def __init__(self, unwinder):
        self.name = "weft-fiber"
        self.enabled = True
        self.priority = 100
        self.unwinder = unwinder

    def filter(self, frames):
        if not self.unwinder.is_active():
            return frames
        return (frame for frame in frames if frame.inferior_frame().level() != 0)


class WeftPrefix(gdb.Command):
    """Commands for Weft's fibers: weft fibers, weft fiber."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, prefix=True)


class ListFibers(gdb.Command):
    """weft fibers [TEXT]: lists all fibers, or those with TEXT in their name."""

    def __init__(self):
        super().__init__("weft fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        fibers = [fiber for fiber in all_fibers() if argument in fiber.name]
        print(f"{'fiber':>8} {'shard':>5} {'state':<8} {'age':>12} {'parent':>8}  name, waits for")
        for fiber in fibers:
            state = fiber.state + ("*" if fiber.is_current else "")
            waits = f", {fiber.waits_for}" if fiber.waits_for else ""
            print(f"{fiber.id:>8} {fiber.shard['index']:>5} {state:<8} "
                  f"{fiber.age_seconds:>11.3f}s {fiber.parent_id or '-':>8}  {fiber.name}{waits}")
        print(f"{len(fibers)} fibers; * runs")


class SelectFiber(gdb.Command):
    """weft fiber ID [COMMAND]: selects a fiber, or runs a command of gdb about it, such as bt.
Without a number: selects the thread again."""

    def __init__(self, unwinder):
        super().__init__("weft fiber", gdb.COMMAND_STACK)
        self.unwinder = unwinder

    def invoke(self, argument, from_tty):
        if not argument:
            self.unwinder.select(None)
            return
        number, _, command = argument.partition(" ")
        fiber = find_fiber(number)
        if not command:
            self.select(fiber)
            return
        thread = gdb.selected_thread()
        level = gdb.selected_frame().level()
        selection = self.unwinder.selection
        try:
            self.select(fiber)
            gdb.execute(command)
        finally:
            thread.switch()
            self.unwinder.select(selection)
            gdb.execute(f"frame {level}", to_string=True)

    def select(self, fiber):
        if fiber.is_current:
            self.unwinder.select(None)
            thread = fiber.thread()
            thread.switch()
            print(f"fiber {fiber.id} '{fiber.name}' runs: thread {thread.num}")
            return
        if not fiber.has_stack:
            raise gdb.GdbError(f"weft: fiber {fiber.id} has not begun to run: it has no frames")
        self.unwinder.select_fiber(fiber)
        print(f"fiber {fiber.id} '{fiber.name}' on shard {fiber.shard['index']}, {fiber.state}"
              + (f" on {fiber.waits_for}" if fiber.waits_for else ""))


def register():
    unwinder = FiberUnwinder()
    gdb.unwinder.register_unwinder(None, unwinder, replace=True)
    frame_filter = HideInnermostFrame(unwinder)
    gdb.frame_filters[frame_filter.name] = frame_filter
    # A fiber's registers are those it was left with: they are old once the program has gone on.
    gdb.events.cont.connect(lambda event: unwinder.select(None))
    WeftPrefix()
    ListFibers()
    SelectFiber(unwinder)


register()
