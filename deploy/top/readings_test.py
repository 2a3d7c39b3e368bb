import unittest

from deploy.demo import metrics
from deploy.top import readings, view


def page(calls, failed, start=100, fast=0, busy=0.0, shed=0):
    """A service with one method that has served so many calls, `fast` of them within 10 ms."""
    method = 'grpc_method="shop.v1.Shop/Get"'
    name = "grpc_server_call_duration_seconds"
    return metrics.Metrics(metrics.parse(f"""
weft_build_info{{version="1.2",service="shop"}} 1
process_start_time_seconds {start}
{name}_count{{{method},grpc_status="OK"}} {calls - failed}
{name}_count{{{method},grpc_status="UNAVAILABLE"}} {failed}
{name}_count{{grpc_method="grpc.health.v1.Health/Check",grpc_status="OK"}} 1000
{name}_bucket{{{method},grpc_status="OK",le="0.01"}} {fast}
{name}_bucket{{{method},grpc_status="OK",le="0.1"}} {calls}
{name}_bucket{{{method},grpc_status="OK",le="+Inf"}} {calls}
{name}_bucket{{grpc_method="grpc.health.v1.Health/Check",grpc_status="OK",le="+Inf"}} 1000
weft_loop_iterations_total{{shard="0"}} 1
weft_loop_iterations_total{{shard="1"}} 1
weft_loop_busy_seconds_total{{shard="0"}} {busy}
weft_fibers{{shard="0",state="parked"}} 3
weft_fibers{{shard="0",state="idle"}} 90
weft_admission_shed_total{{criticality="critical",reason="delay"}} {shed}
process_resident_memory_bytes {5 << 20}
""".replace("\n\n", "\n")))


class Readings(unittest.TestCase):

    def test_rates_are_of_the_time_between(self):
        service = readings.between(page(100, 0, fast=100),
                                   page(300, 50, fast=200, busy=1, shed=6), 2)
        self.assertEqual((service.name, service.version, service.shards), ("shop", "1.2", 2))
        self.assertEqual((service.calls, service.errors, service.shed), (100, 25, 3))
        self.assertEqual(service.p50, 0.01)
        self.assertGreater(service.p99, 0.09)
        self.assertEqual(service.busy, 0.25, "half of a second, of one of two shards")
        self.assertEqual(service.fibers, 3)
        self.assertEqual([method.name for method in service.methods], ["shop.v1.Shop/Get"])

    def test_a_restart_begins_at_zero(self):
        service = readings.between(page(1000, 0, start=1), page(40, 0, start=2), 2)
        self.assertEqual(service.calls, 20)

    def test_without_calls_there_is_no_latency(self):
        service = readings.between(page(10, 0), page(10, 0), 2)
        self.assertEqual((service.calls, service.p50, service.p99), (0, None, None))


class View(unittest.TestCase):

    def test_shows_services_methods_and_who_does_not_answer(self):
        service = readings.between(page(0, 0), page(3000, 0, fast=3000), 2)
        lines = view.page([("a:1", service), ("b:2", "does not answer")], methods_shown=5)
        self.assertRegex(lines[0], r"^SERVICE +ADMIN PAGES +CALLS/S")
        self.assertRegex(lines[1], r"^shop +a:1 +1,500 +0 +5\.00 ms +9\.90 ms .* 5 MiB$")
        self.assertEqual(lines[2], "b:2: does not answer")
        self.assertRegex(lines[-1], r"^shop\.v1\.Shop/Get +shop +1,500")

    def test_says_how_many_methods_are_left_out(self):
        service = readings.between(page(0, 0), page(1, 0), 2)
        self.assertEqual(view.page([("a:1", service)], methods_shown=0)[-1],
                         "… and 1 more methods")

    def test_with_no_service_there_is_no_table(self):
        self.assertEqual(view.page([("b:2", "does not answer")], 5), ["b:2: does not answer"])

    def test_columns_are_in_line(self):
        service = readings.between(page(0, 0), page(3000, 0), 2)
        head, row = view.page([("a:1", service)], methods_shown=0)[:2]
        self.assertEqual(head.index("CALLS/S") + len("CALLS/S"), row.index("1,500") + len("1,500"))


if __name__ == "__main__":
    unittest.main()
