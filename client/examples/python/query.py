"""Runs SOQL queries, a line each, in the Salesforce org of a connection, and prints each
answer as a line of JSON:

  echo 'SELECT Id, Name FROM Organization' | python3 query.py acme

README.md says what it needs in its environment.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

from access_tokens import AccessTokens, KeywardError

API_VERSION = "v62.0"


class RefuseRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could take the token along."""

    def redirect_request(self, *_):
        return None


# KEYWARD_HTTPS_CA is for an org behind a CA of one's own, such as a stand-in.
HTTPS = urllib.request.build_opener(
    urllib.request.HTTPSHandler(
        context=ssl.create_default_context(cafile=os.environ.get("KEYWARD_HTTPS_CA"))
    ),
    RefuseRedirects(),
)


class SalesforceError(Exception):
    """What the API answers in place of a result."""

    def __init__(self, http_error):
        self.status = http_error.code
        try:
            answer = json.load(http_error)[0]
            code, self.message = answer["errorCode"], answer["message"]
        except (ValueError, LookupError, TypeError):
            code, self.message = "", http_error.reason
        super().__init__(f"Salesforce answered {self.status} {code}: {self.message}")

    def session_ended(self):
        # Other kinds of 401 are not cured by another token, though they may have the same
        # code: "This session is not valid for use with the REST API".
        return self.status == 401 and self.message == "Session expired or invalid"


def send(token, path):
    request = urllib.request.Request(
        token.instance_url + path, headers={"Authorization": f"Bearer {token.access_token}"}
    )
    try:
        with HTTPS.open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SalesforceError(error) from None


def get(tokens, connection, path):
    """Salesforce may end a session at any time, so a token is renewed once. What is
    refused with a new token, too, is refused for another cause."""
    token = tokens.get(connection)
    try:
        return send(token, path)
    except SalesforceError as error:
        if not error.session_ended():
            raise
    return send(tokens.get(connection, rejected=token.access_token), path)


def main():
    if len(sys.argv) != 2:
        print("usage: python3 query.py CONNECTION", file=sys.stderr)
        return 2
    try:
        tokens = AccessTokens(
            exchange=os.environ["KEYWARD_EXCHANGE"],
            ca=os.environ["KEYWARD_CA"],
            certificate=os.environ["KEYWARD_CERTIFICATE"],
            private_key=os.environ["KEYWARD_PRIVATE_KEY"],
        )
    except KeyError as error:
        print(f"query: set {error.args[0]}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"query: {error}", file=sys.stderr)
        return 2
    failed = False
    for line in sys.stdin:
        query = urllib.parse.urlencode({"q": line.strip()})
        try:
            answer = get(tokens, sys.argv[1], f"/services/data/{API_VERSION}/query?{query}")
            print(json.dumps(answer), flush=True)
        except (KeywardError, SalesforceError, OSError) as error:
            print(f"query: {error}", file=sys.stderr, flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
