"""Ways to spell an address that is not public.

`ADDRESSES` are what a resolver may answer; `LITERALS` are hosts of URLs. The second hold the first, in the
spelling of URLs, and all the disguises that only a URL can wear.
"""

ADDRESSES = (
    # this machine
    "127.0.0.1", "127.0.0.53", "127.127.127.127", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::",
    # private, shared and link-local networks
    "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254",
    "100.64.0.1", "100.127.255.254", "169.254.0.1", "fc00::1", "fd12:3456:789a::1", "fe80::1", "fec0::1",
    # the clouds' metadata and host agents
    "169.254.169.254", "169.254.170.2", "169.254.169.123", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "fd00:ec2::254", "fd20:ce::254",
    # protocol assignments, benchmarks, documentation, multicast, reserved
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.254", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "100::1", "2001:2::1", "2001:10::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1", "ff02::1", "ff0e::1",
    # IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo, ISATAP
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::169.254.169.254",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2001:0:a9fe:a9fe::1",
    "2001:0:808:808::7f00:1", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:169.254.169.254",
)  # fmt: skip

DISGUISES = (
    # one number, fewer numbers, other bases, overflow, leading zeros, a last dot
    "2130706433", "0x7f000001", "017700000001", "0x7F.1", "127.1", "127.0.1", "0177.0.0.1",
    "0x7f.0x0.0x0.0x1", "127.0.0.01", "127.0.0.1.", "00000177.0.0.1", "2852039166", "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE", "025177524776",
    "169.254.43518", "169.16689662", "4294967297", "127.0.0.1.1", "127.0.0.256", "0", "0x", "0x0",
    # letters that become digits and dots
    "①②⑦.⓪.⓪.①", "②①③⓪⑦⓪⑥④③③", "127\u30020\u30020\u30021", "127\uff0e0\uff610\uff0e1",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "127%2e0.0.1", "%31%32%37.0.0.1",
    # with a zone
    "[fe80::1%25lo]", "[::1%25lo]", "[::ffff:127.0.0.1%251]",
    # other ways to write IPv6
    "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::ffff:7f00:1]", "[::ffff:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[64:ff9b:0:0:0:0:7f00:1]", "[2002:7F00:0001::]",
)  # fmt: skip

LITERALS = tuple(f"[{each}]" if ":" in each else each for each in ADDRESSES) + DISGUISES

SCRIPTS = (
    # digits, letters and dots of other scripts, which mean their ASCII kin (UTS 46)
    "\U0001d7cf\U0001d7d0\U0001d7d5.\U0001d7ce.\U0001d7ce.\U0001d7cf", "\xb9\xb2\u2077.\u2070.\u2070.\xb9",
    "\u2081\u2082\u2087.\u2080.\u2080.\u2081", "\u2460\uff12\U0001d7d5.\u24ea.0.\xb9",
    "\uff10\uff58\uff17\uff46.1", "\U0001d7f6x7f.1", "0X7F\u30021", "127\uff61%30\uff0e0\u30021",
    # characters that mean nothing
    "127.0.0.\u00ad1", "127\u200b.0.0.1", "127.0.0.1\ufe0f", "1\u206027.0.0.1",
    # encoded dots and digits
    "127%2E0%2e0%2E1", "%31%32%37%2e%30.0.1", "%EF%BC%91%32%37.1", "127%E3%80%820.0.1", "0%787f.1",
)  # fmt: skip

SPELLINGS = (
    # slashes and backslashes, as many as one likes, capital letters, nothing before the user
    "http:\\\\{0}\\a", "http:/\\{0}/a", "http:\\/{0}/a", "http:{0}/a", "http:/{0}/a", "http:\\{0}/a",
    "http:////{0}", "HTTP://{0}", "hTTp:\\{0}?a", "\x00 http://{0}/ \x1f", "http://@{0}/a", "http://:@{0}",
    # another host to whoever looks for the last @, the first \ or the first #
    "http://{0}\\@a.test/", "http://{0}/@a.test/", "http://{0}#@a.test/", "http://{0}?@a.test/",
    "http://{0}/..\\..\\@a.test", "http://{0}/%2e%2e/%2F@a.test",
)  # fmt: skip
"""Ways to write a URL around `{0}`, a host and port: all of them lead there."""

WITH_USER = (
    "http://a.test@{0}/", "http://a.test:80@{0}/", "http://a.test%2f@{0}/", "http://a.test%5C%23@{0}/",
    "http://a@a.test@{0}\\@a.test/",
)  # fmt: skip
"""All of them lead there with a user or a password."""

DECOYS = ("http://a.test#@{0}/", "http://a.test/@{0}/", "http://a.test\\@{0}/", "http://a.test?@{0}/",
          "http://a.test:80\\@{0}/")  # fmt: skip
"""None of them leads there: the host is a.test."""

MALFORMED = (
    "127.0.0.1%00", "127.0.0.1%09", "127.0.0.1%0d%0a", "127.0.0.1%20", "127.0.0.1%2f", "127.0.0.1%5c",
    "127.0.0.1%23", "127.0.0.1%3f", "127.0.0.1%40a.test", "127.0.0.1%3a80", "%5b::1%5d", "[::\uff11]",
    "[::%31]", "[::ffff:127.1]", "[::1", "::1]", "[[::1]]", "[127.0.0.1]", "127..0.1", ".127.0.0.1",
    "\u248827.0.0.1", "127.0.0.1;a.test", "127.0.0.1 a", "0x7f.0.0.0x1.",
    "\u0661\u0662\u0667.\u0660.\u0660.\u0661", "127.0.0.1\t", "127.0.0\n.1", "127.0.0.1..", "127.0.0.1%2e%2e",
)  # fmt: skip
"""No hosts to the standard; each once was one to some parser."""
