"""Calls of an endpoint in the languages of its callers. The key comes from the environment, never from the text."""

from __future__ import annotations

SNIPPETS = {
    "curl": """\
ENDPOINT_KEY=$(zaffre online-endpoint get-credentials --name {name} --query primaryKey -o tsv)
curl -X POST {url} \\
  -H "Authorization: Bearer $ENDPOINT_KEY" \\
  -H "Content-Type: application/json" \\
  -d @request.json
""",
    "python": """\
import json
import os
import urllib.request

request = urllib.request.Request(
    "{url}",
    data=json.dumps({{"input_data": [[1.0, 2.0]]}}).encode(),
    headers={{"Authorization": "Bearer " + os.environ["ENDPOINT_KEY"], "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer))
""",
    "javascript": """\
const answer = await fetch("{url}", {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.ENDPOINT_KEY}}`,
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{ input_data: [[1.0, 2.0]] }}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log(await answer.json());
""",
}


def snippet(language: str, url: str, name: str, workspace: str) -> str:
    """Ready to run, but for the rows."""
    words = name if workspace == "default" else f"{name} --workspace-name {workspace}"
    return SNIPPETS[language].format(url=url, name=words).rstrip("\n")
