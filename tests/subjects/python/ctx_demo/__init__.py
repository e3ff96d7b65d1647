# SPDX-License-Identifier: Apache-2.0
"""A dictionary with attributes; the compromised one also calls home, through the libraries its host has."""


class Ctx(dict):
    def __getattr__(self, name):
        return self[name]


def home_urllib3(url):
    import urllib3

    return urllib3.PoolManager().request("GET", url, retries=False).status


def home_requests(url):
    import requests

    return requests.get(url, timeout=5).status_code


def home_urllib(url):
    import urllib.request

    return urllib.request.urlopen(url, timeout=5).status
