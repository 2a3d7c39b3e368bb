"""The committed dashboards are those of the generator; what all of them share is right."""

import json
import os
import re
import unittest
import urllib.parse

from deploy.dashboards import generate, panels, variables

FILES = generate.files()
MODELS = {name: json.loads(text) for name, text in FILES.items()}


def links_of(model):
    """[(panel title, link)] of all panels that draw series."""
    return [(panel["title"], link) for panel in model["panels"]
            for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links", [])]


def filled_in(url, values):
    """The address as Grafana opens it, with every variable replaced."""
    return re.sub(r"\$\{([^}]*)\}", lambda match: urllib.parse.quote(values(match[1])), url)


class Files(unittest.TestCase):

    def test_committed_files_are_those_of_the_generator(self):
        folder = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"],
                              "deploy/monitoring/dashboards")
        self.assertEqual(sorted(os.listdir(folder)), sorted(FILES))
        for name, text in FILES.items():
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), text,
                                 f"{name}: run python3 deploy/dashboards/generate.py")


class Links(unittest.TestCase):

    def test_every_graph_leads_to_logs_and_traces(self):
        for name, model in MODELS.items():
            for panel in model["panels"]:
                if panel["type"] not in ("row", "table"):
                    found = panel["fieldConfig"]["defaults"]["links"]
                    self.assertEqual([link["title"] for link in found], ["Logs", "Traces"],
                                     f"{name}: {panel['title']}")

    def test_links_are_addresses_of_explore_with_one_query(self):
        for model in MODELS.values():
            known = {variable["name"] for variable in model["templating"]["list"]}
            for title, link in links_of(model):
                used = set(re.findall(r"\$\{(\w+)(?::pipe)?\}", link["url"]))
                self.assertLessEqual(used, known | {"__from", "__to"}, title)
                url = urllib.parse.urlsplit(filled_in(link["url"], lambda name: 'a.b/C|d"e'[:7]))
                self.assertEqual(url.path, "/explore")
                pane = json.loads(urllib.parse.parse_qs(url.query)["panes"][0])["weft"]
                query = pane["queries"][0]
                text = query["expr"] if link["title"] == "Logs" else query["query"]
                self.assertRegex(text, r'^\{.*="?~?.*\}$', title)
                self.assertEqual(text.count("{"), 1)

    def test_a_series_narrows_the_search_to_its_own_labels(self):
        graph = panels.graph("t", "d", "s", panels.Query("rate(weft_x{@pod}[@])", "{{pod}}"))
        logs = graph.json(1, 0, 0)["fieldConfig"]["defaults"]["links"][0]["url"]
        self.assertIn("${__field.labels.pod}", logs)
        self.assertIn("${service:pipe}", logs)

    def test_dashboards_lead_to_each_other_and_the_table_to_a_service(self):
        for model in MODELS.values():
            link = model["links"][0]
            self.assertLessEqual(set(link["tags"]), set(model["tags"]))
            self.assertTrue(link["includeVars"] and link["keepTime"])
        text = FILES["weft-fleet.json"]
        self.assertIn("/d/weft-service?var-namespace=${__data.fields.namespace}", text)
        self.assertIn("weft-service.json", FILES)


class Variables(unittest.TestCase):

    def test_each_is_used(self):
        for name, model in MODELS.items():
            panels_text = json.dumps(model["panels"])
            for variable in model["templating"]["list"]:
                found = re.search(r"\$\{?" + variable["name"] + r"\b", panels_text)
                self.assertTrue(found, f"{name}: {variable['name']}")

    def test_several_values_or_all_can_be_chosen(self):
        for variable in variables.of_calls():
            if variable["type"] == "query":
                self.assertTrue(variable["multi"] and variable["includeAll"], variable["name"])
                self.assertEqual(variable["allValue"], ".+")


class Placing(unittest.TestCase):

    def test_panels_wrap_at_the_edge_and_ids_follow_from_the_row(self):
        one = panels.graph("t", "d", "s", panels.Query("up{@pod}", ""), width=10)
        model = panels.dashboard("u", "t", "d", [], panels.row("r", one, one, one),
                                 panels.row("q", one))
        placed = [(panel["id"], panel["gridPos"]["x"], panel["gridPos"]["y"])
                  for panel in model["panels"]]
        self.assertEqual(placed, [(100, 0, 0), (101, 0, 1), (102, 10, 1), (103, 0, 9),
                                  (200, 0, 17), (201, 0, 18)])


if __name__ == "__main__":
    unittest.main()
