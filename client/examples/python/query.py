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


class NotSet(Exception):
    """A setting that is missing, or wrong."""


def setting(name):
    value = os.environ.get(name)
    if not value:
        raise NotSet(f"set {name}")
    return value


def api():
    # KEYWARD_HTTPS_CA is for an org behind a CA of one's own, such as a stand-in.
    ca = os.environ.get("KEYWARD_HTTPS_CA") or None
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise NotSet(f"KEYWARD_HTTPS_CA, {ca}, cannot be used: {error}") from None
    return urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), RefuseRedirects()
    )


def access_tokens():
    exchange = setting("KEYWARD_EXCHANGE")
    if exchange.startswith("unix:"):
        return AccessTokens(exchange)
    return AccessTokens(
        exchange,
        ca=setting("KEYWARD_CA"),
        certificate=setting("KEYWARD_CERTIFICATE"),
        private_key=setting("KEYWARD_PRIVATE_KEY"),
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


def send(https, token, path):
    request = urllib.request.Request(
        token.instance_url + path, headers={"Authorization": f"Bearer {token.access_token}"}
    )
    try:
        with https.open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SalesforceError(error) from None


def get(https, tokens, connection, path):
    """Salesforce may end a session at any time, so a token is renewed once. What is
    refused with a new token, too, is refused for another cause."""
    token = tokens.get(connection)
    try:
        return send(https, token, path)
    except SalesforceError as error:
        if not error.session_ended():
            raise
    return send(https, tokens.get(connection, rejected=token.access_token), path)


def main():
    if len(sys.argv) != 2:
        print("usage: python3 query.py CONNECTION", file=sys.stderr)
        return 2
    try:
        https = api()
        tokens = access_tokens()
    except (NotSet, OSError) as error:
        print(f"query: {error}", file=sys.stderr)
        return 2
    failed = False
    for line in sys.stdin:
        query = urllib.parse.urlencode({"q": line.strip()})
        try:
            path = f"/services/data/{API_VERSION}/query?{query}"
            answer = get(https, tokens, sys.argv[1], path)
            print(json.dumps(answer), flush=True)
        except (KeywardError, SalesforceError, OSError) as error:
            print(f"query: {error}", file=sys.stderr, flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
