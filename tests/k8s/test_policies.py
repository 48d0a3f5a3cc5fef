"""Who may speak to whom, read from the policies as a cluster's network would."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.k8s.render import OVERLAYS, Manifest, manifests, pods, with_component

PRIVATE = (
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.20.10", "168.63.129.16",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.100.100.200", "127.0.0.1", "0.0.0.0", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "fd00:ec2::254", "fe80::1", "::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "ff02::1", "fd00:ec2::23",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "168.63.129.17")
IPV6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """A label selector's verdict."""
    expressions = (labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(expressions)


def rules(overlay: str, direction: str, labels: dict[str, str]) -> list[Manifest]:
    """What a pod is allowed in a direction, all its policies together."""
    return [
        rule
        for policy in manifests(overlay, "NetworkPolicy")
        if direction.title() in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get(direction, [])
    ]


def may_reach(overlay: str, labels: dict[str, str], address: str, port: int) -> bool:
    """Whether a pod may open a connection to an address outside the cluster's pods."""
    ip = ip_address(address)
    for rule in rules(overlay, "egress", labels):
        blocks = [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]
        inside = any(
            ip in ip_network(block["cidr"])
            and not any(ip in ip_network(out) for out in block.get("except", []))
            for block in blocks
        )
        if inside and port in {one["port"] for one in rule["ports"]}:
            return True
    return False


def may_enter(overlay: str, labels: dict[str, str], *, namespace: str, port: int) -> bool:
    """Whether any pod of another namespace may open a connection to a pod."""
    return any(
        matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
        for rule in rules(overlay, "ingress", labels)
        if port in {one["port"] for one in rule["ports"]}
        for peer in rule["from"]
        if "namespaceSelector" in peer
    )


def labels_of(overlay: str, name: str) -> dict[str, str]:
    return dict(dict(pods(overlay))[name]["metadata"]["labels"])


@every_overlay
def test_all_is_denied_first(overlay: str) -> None:
    (deny,) = (one for one in manifests(overlay, "NetworkPolicy") if one["metadata"]["name"] == "deny-all")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@every_overlay
def test_no_pod_reaches_a_private_address(overlay: str) -> None:
    for name, template in pods(overlay):
        for address in PRIVATE:
            for port in (80, 443, 8080, 8443):
                assert not may_reach(overlay, template["metadata"]["labels"], address, port), (name, address)


@every_overlay
def test_who_must_reaches_the_web(overlay: str) -> None:
    reach = {
        name
        for name, template in pods(overlay)
        if all(may_reach(overlay, template["metadata"]["labels"], address, 443) for address in PUBLIC)
    }
    expected = {"Deployment worker", "Deployment toolbox", "CronJob enqueue", "CronJob requeue"}
    assert reach == expected | ({"Deployment run-metrics"} if overlay == "overlays/gpu-cloud" else set())


@every_overlay
def test_no_pod_reaches_what_may_be_the_clusters_own_ipv6(overlay: str) -> None:
    assert not any(
        may_reach(overlay, template["metadata"]["labels"], IPV6, 443) for _, template in pods(overlay)
    )


def test_the_web_over_ipv6_is_a_choice_that_leaves_the_clusters_ranges_out() -> None:
    chosen = with_component("ipv6")
    labels = labels_of(chosen, "Deployment worker")
    assert may_reach(chosen, labels, IPV6, 443)
    for address in (*PRIVATE, "2001:db8::1"):
        assert not may_reach(chosen, labels, address, 443), address
    assert not may_reach(chosen, labels_of(chosen, "Deployment flower"), IPV6, 443)


def test_workers_that_need_no_web_reach_the_bucket_alone() -> None:
    chosen = with_component("no-internet")
    labels = labels_of(chosen, "Deployment worker")
    assert may_reach(chosen, labels, "192.0.2.2", 443)
    for address in (*PUBLIC, *PRIVATE, IPV6):
        assert not may_reach(chosen, labels, address, 443), address


def test_pod_identity_is_for_those_who_speak_to_s3() -> None:
    chosen = with_component("eks-pod-identity")
    for address in ("169.254.170.23", "fd00:ec2::23"):
        reach = {
            name for name, one in pods(chosen) if may_reach(chosen, one["metadata"]["labels"], address, 80)
        }
        assert reach == {"Deployment worker", "Deployment toolbox", "CronJob enqueue", "CronJob requeue"}
    assert not may_reach(chosen, labels_of(chosen, "Deployment worker"), "169.254.169.254", 80)


def test_a_dns_cache_on_the_node_answers_everybody() -> None:
    chosen = with_component("dns-cache")
    for name, template in pods(chosen):
        labels = template["metadata"]["labels"]
        assert may_reach(chosen, labels, "169.254.20.10", 53), name
        assert not may_reach(chosen, labels, "169.254.20.10", 80), name


@every_overlay
def test_no_other_port_of_the_web(overlay: str) -> None:
    for _, template in pods(overlay):
        for port in (22, 25, 53, 6379, 10250):
            assert not may_reach(overlay, template["metadata"]["labels"], "1.1.1.1", port)


@every_overlay
def test_the_broker_and_its_clients_find_each_other(overlay: str) -> None:
    templates = dict(pods(overlay))
    broker = templates["StatefulSet broker"]["metadata"]["labels"]
    (entrance,) = (
        rule
        for rule in rules(overlay, "ingress", broker)
        if all("podSelector" in one for one in rule["from"])
    )
    for name, template in templates.items():
        labels = template["metadata"]["labels"]
        uses = any(
            one["name"] == "FLEET_BROKER_URL" for one in template["spec"]["containers"][0].get("env", [])
        )
        let_in = any(matches(peer["podSelector"], labels) for peer in entrance["from"])
        goes_out = any(
            matches(peer["podSelector"], broker)
            for rule in rules(overlay, "egress", labels)
            for peer in rule["to"]
            if "podSelector" in peer and "namespaceSelector" not in peer
        )
        assert uses == let_in == goes_out, name


@every_overlay
def test_nothing_in_the_cluster_reaches_flower(overlay: str) -> None:
    """Its /metrics asks for no password."""
    labels = dict(pods(overlay))["Deployment flower"]["metadata"]["labels"]
    assert rules(overlay, "ingress", labels) == []
    assert {one["metadata"]["name"] for one in manifests(overlay, "Service")} == {"broker"}


def test_only_prometheus_reads_the_workers_metrics() -> None:
    labels = dict(pods("overlays/gpu-cloud"))["Deployment worker"]["metadata"]["labels"]
    (rule,) = rules("overlays/gpu-cloud", "ingress", labels)
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
    assert rules("base", "ingress", labels) == []
