"""A system calls in its own name, and reads what the city has seen of it."""

import sys
import time

from wudang_api.api.clients import list_my_requests
from wudang_api.models import ClientRequestPage
from wudang_client import Credentials, connect

with connect(Credentials.read(sys.argv[1])) as client:
    while True:
        page = list_my_requests.sync(client=client)
        if not isinstance(page, ClientRequestPage):
            sys.exit(f"refused: {page}")
        if len(page.items) > 1:  # a call stands there within a second
            break
        time.sleep(0.5)

for line in reversed(page.items[-2:]):
    print(line.operation, line.status)
