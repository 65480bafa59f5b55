// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark's generator and sink. It sends RTP in UDP from the terminals'
 * ends of two cables, in bursts, round robin over the flows it was given, and
 * takes it out of the stack again where it arrives: at the other terminals, or
 * at the gateway, for what the generator itself costs. On request each packet
 * that arrives is compared, byte by byte, with what should have arrived.
 *
 * Not for a host that does anything else: whoever may open its device sends
 * what he likes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/udp.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/net_namespace.h>

#include "nattrav_bench.h"

#define RTP_HEADER_LEN	12
#define RTP_STEP	160
#define TTL		64
/* More than any relay wants in front of a packet. */
#define HEADROOM	128
/* A burst that is not through by then never will be. An idle guest's clock races. */
#define PATIENCE	(3600 * HZ)
/* There are relays for which no SSRC is a special one. */
#define SSRC_FIRST	0x10000000

struct rtp_header {
	__be16 flags;
	__be16 seq;
	__be32 timestamp;
	__be32 flow; /* the SSRC */
};

static DEFINE_MUTEX(lock); /* ports, flows, one run at a time */
static struct net_device *port_dev[BENCH_PORTS];
static struct bench_flow *flows;
static u32 flow_count;
static u32 flow_next;
static u32 flow_end; /* of those that packets are sent in */
static u32 run_number;
static u8 filler[BENCH_PAYLOAD - RTP_HEADER_LEN];

/* The run under way; softirq writes the results, the generator waits for them. */
static DECLARE_WAIT_QUEUE_HEAD(arrived);
static bool verifying;
static bool through;
static u8 ttl_expected;
static u64 received;
static u64 awaited;
static u64 wrong;
static u32 first_wrong;
static u32 first_error;

/* --- Generator ---------------------------------------------------------- */

static __wsum addr_sum(const struct bench_tuple *t)
{
	unsigned int len = t->family == AF_INET ? 4 : 16;

	return csum_partial(t->saddr, len, csum_partial(t->daddr, len, 0));
}

/* The sum over what all packets of a flow have in common. */
static __wsum flow_sum(const struct bench_flow *flow, u32 index)
{
	const unsigned int len = sizeof(struct udphdr) + BENCH_PAYLOAD;
	const struct bench_tuple *t = &flow->sent;
	struct udphdr uh = { .source = t->sport, .dest = t->dport, .len = htons(len) };
	struct rtp_header rtp = { .flags = htons(0x8000), .flow = htonl(SSRC_FIRST + index) };
	__wsum sum = addr_sum(t);

	sum = csum_add(sum, htonl(len + IPPROTO_UDP));
	sum = csum_partial(&uh, sizeof(uh), sum);
	sum = csum_partial(&rtp, sizeof(rtp), sum);
	return csum_partial(filler, sizeof(filler), sum);
}

static void put_ipv4(struct sk_buff *skb, const struct bench_tuple *t)
{
	struct iphdr *iph = __skb_push(skb, sizeof(*iph));

	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tot_len = htons(skb->len),
		.frag_off = htons(IP_DF),
		.ttl = TTL,
		.protocol = IPPROTO_UDP,
	};
	memcpy(&iph->saddr, t->saddr, 4);
	memcpy(&iph->daddr, t->daddr, 4);
	ip_send_check(iph);
	skb->protocol = htons(ETH_P_IP);
}

static void put_ipv6(struct sk_buff *skb, const struct bench_tuple *t)
{
	struct ipv6hdr *ip6h;
	u16 len = skb->len;

	ip6h = __skb_push(skb, sizeof(*ip6h));
	*ip6h = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = IPPROTO_UDP,
		.hop_limit = TTL,
	};
	memcpy(&ip6h->saddr, t->saddr, 16);
	memcpy(&ip6h->daddr, t->daddr, 16);
	skb->protocol = htons(ETH_P_IPV6);
}

static struct sk_buff *packet_make(struct bench_flow *flow, u32 index)
{
	const unsigned int len = sizeof(struct udphdr) + BENCH_PAYLOAD;
	const struct bench_tuple *t = &flow->sent;
	struct net_device *dev = port_dev[flow->port];
	struct net_device *gateway = port_dev[flow->port ^ 1];
	struct rtp_header *rtp;
	struct udphdr *uh;
	struct sk_buff *skb;
	struct ethhdr *eth;
	__wsum sum;

	skb = alloc_skb(HEADROOM + len, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, HEADROOM);

	uh = __skb_put(skb, len);
	rtp = (struct rtp_header *)(uh + 1);
	rtp->flags = htons(0x8000);
	rtp->seq = htons(flow->seq);
	rtp->timestamp = htonl(flow->seq * RTP_STEP);
	rtp->flow = htonl(SSRC_FIRST + index);
	memcpy(rtp + 1, filler, sizeof(filler));
	flow->seq++;

	sum = csum_add((__force __wsum)flow->sum, (__force __wsum)rtp->seq);
	sum = csum_add(sum, (__force __wsum)rtp->timestamp);
	uh->source = t->sport;
	uh->dest = t->dport;
	uh->len = htons(len);
	uh->check = csum_fold(sum) ?: CSUM_MANGLED_0;
	skb_reset_transport_header(skb);

	if (t->family == AF_INET)
		put_ipv4(skb, t);
	else
		put_ipv6(skb, t);
	skb_reset_network_header(skb);

	eth = __skb_push(skb, sizeof(*eth));
	skb_reset_mac_header(skb);
	ether_addr_copy(eth->h_dest, gateway->dev_addr);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = skb->protocol;

	/* as from a network card that has verified it */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->dev = dev;
	return skb;
}

static u64 burst_send(u64 count)
{
	struct sk_buff *skb;
	u64 sent;

	/* the stack takes all of it when bottom halves are allowed again */
	local_bh_disable();
	for (sent = 0; sent < count; sent++) {
		skb = packet_make(&flows[flow_next], flow_next);
		if (!skb || dev_queue_xmit(skb) != NET_XMIT_SUCCESS)
			break;
		if (++flow_next == flow_end)
			flow_next = 0;
	}
	local_bh_enable();
	return sent;
}

/* A profiler that sees this instruction begins, or ends, to count. */
static __always_inline void profile_mark(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x6e, 0x61, 0x74, 0x74" ::: "memory");
}

static void send_all(struct bench_run *run)
{
	cycles_t start;
	u64 start_ns;

	start_ns = ktime_get_ns();
	start = get_cycles();
	if (!verifying)
		profile_mark();
	while (run->sent < run->packets) {
		u64 count = min_t(u64, run->packets - run->sent, BENCH_BURST);
		u64 sent;

		awaited = run->sent + count;
		sent = burst_send(count);
		run->sent += sent;
		if (sent < count)
			break;
		/* it is through already, unless a process relays it */
		if (!wait_event_idle_timeout(arrived, READ_ONCE(received) >= awaited, PATIENCE))
			break;
	}
	if (!verifying)
		profile_mark();
	run->cycles = get_cycles() - start;
	run->ns = ktime_get_ns() - start_ns;
}

/* --- Sink --------------------------------------------------------------- */

/* What can be wrong with a packet, by these numbers in bench_run.first_error. */
enum packet_error {
	PACKET_GOOD,
	PACKET_HEADER,
	PACKET_TTL,
	PACKET_TUPLE,
	PACKET_IP_CHECKSUM,
	PACKET_UDP_CHECKSUM,
	PACKET_PAYLOAD,
	PACKET_LINK,
	PACKET_FLOW,
};

static bool is_udp(const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return ip_hdr(skb)->protocol == IPPROTO_UDP;

	return skb->protocol == htons(ETH_P_IPV6) && ipv6_hdr(skb)->nexthdr == IPPROTO_UDP;
}

static enum packet_error check_ip(const struct sk_buff *skb, const struct bench_tuple *t)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);

	if (t->family == AF_INET) {
		if (skb->protocol != htons(ETH_P_IP) || iph->ihl != 5 ||
		    ntohs(iph->tot_len) != skb->len)
			return PACKET_HEADER;
		if (iph->ttl != ttl_expected)
			return PACKET_TTL;
		if (ip_compute_csum(iph, sizeof(*iph)))
			return PACKET_IP_CHECKSUM;
		return memcmp(&iph->saddr, t->saddr, 4) || memcmp(&iph->daddr, t->daddr, 4) ?
		       PACKET_TUPLE : PACKET_GOOD;
	}

	if (skb->protocol != htons(ETH_P_IPV6) ||
	    ntohs(ip6h->payload_len) + sizeof(*ip6h) != skb->len)
		return PACKET_HEADER;
	if (ip6h->hop_limit != ttl_expected)
		return PACKET_TTL;
	return memcmp(&ip6h->saddr, t->saddr, 16) || memcmp(&ip6h->daddr, t->daddr, 16) ?
	       PACKET_TUPLE : PACKET_GOOD;
}

/*
 * A sum that the card of the next link would complete is as good as a whole one,
 * and that it costs somebody something is for the documentation to say.
 */
static bool udp_checksum_good(const struct sk_buff *skb, const struct bench_tuple *t,
			      const struct udphdr *uh, unsigned int len)
{
	__wsum sum = csum_add(addr_sum(t), htonl(len + IPPROTO_UDP));

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return uh->check == (__force __sum16)~csum_fold(sum);

	return uh->check && !csum_fold(csum_partial(uh, len, sum));
}

static enum packet_error packet_check(struct sk_buff *skb, const struct net_device *dev,
				      u32 *index)
{
	const unsigned int len = sizeof(struct udphdr) + BENCH_PAYLOAD;
	const struct rtp_header *rtp;
	struct bench_flow *flow;
	const struct udphdr *uh;
	enum packet_error error;
	unsigned int thoff;
	const struct bench_tuple *t;

	if (skb_linearize(skb))
		return PACKET_HEADER;
	thoff = skb->protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (skb->len != thoff + len)
		return PACKET_HEADER;

	uh = (const struct udphdr *)(skb_network_header(skb) + thoff);
	rtp = (const struct rtp_header *)(uh + 1);
	*index = ntohl(rtp->flow) - SSRC_FIRST;
	if (*index >= flow_count)
		return PACKET_FLOW;

	flow = &flows[*index];
	t = through ? &flow->heard : &flow->sent;
	error = check_ip(skb, t);
	if (error)
		return error;
	if (uh->source != t->sport || uh->dest != t->dport || ntohs(uh->len) != len)
		return PACKET_TUPLE;
	if (!udp_checksum_good(skb, t, uh, len))
		return PACKET_UDP_CHECKSUM;
	if (rtp->flags != htons(0x8000) || memcmp(rtp + 1, filler, sizeof(filler)) ||
	    ntohl(rtp->timestamp) != (u32)(ntohs(rtp->seq) * RTP_STEP))
		return PACKET_PAYLOAD;
	if (through && dev != port_dev[flow->port ^ BENCH_PORT_B])
		return PACKET_LINK;

	flow->good++;
	return PACKET_GOOD;
}

static rx_handler_result_t sink(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	enum packet_error error;
	u32 index = 0;

	/* the terminals' own stacks say something now and then */
	if (!is_udp(skb))
		return RX_HANDLER_PASS;

	if (unlikely(verifying)) {
		error = packet_check(skb, skb->dev, &index);
		if (error && !wrong++) {
			first_wrong = index;
			first_error = error;
		}
	}
	consume_skb(skb);
	WRITE_ONCE(received, received + 1);
	if (received == awaited)
		wake_up(&arrived);
	return RX_HANDLER_CONSUMED;
}

/* From one link of the gateway to the other, as it is. */
static rx_handler_result_t bounce(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;

	if (!is_udp(skb))
		return RX_HANDLER_PASS;

	skb->dev = skb->dev == port_dev[BENCH_PORT_GATEWAY_A] ? port_dev[BENCH_PORT_GATEWAY_B] :
								 port_dev[BENCH_PORT_GATEWAY_A];
	skb_push(skb, ETH_HLEN);
	dev_queue_xmit(skb);
	return RX_HANDLER_CONSUMED;
}

/* --- Control ------------------------------------------------------------ */

static int sinks_register(u32 mode)
{
	rx_handler_func_t *handler[BENCH_PORTS] = {
		[BENCH_PORT_A] = sink,
		[BENCH_PORT_GATEWAY_A] = mode == BENCH_MODE_NULL ? sink :
					 mode == BENCH_MODE_BOUNCE ? bounce : NULL,
		[BENCH_PORT_GATEWAY_B] = mode == BENCH_MODE_NULL ? sink :
					 mode == BENCH_MODE_BOUNCE ? bounce : NULL,
		[BENCH_PORT_B] = sink,
	};
	int i, err = 0;

	rtnl_lock();
	for (i = 0; i < BENCH_PORTS && !err; i++) {
		if (handler[i])
			err = netdev_rx_handler_register(port_dev[i], handler[i], NULL);
	}
	if (err) {
		for (i -= 2; i >= 0; i--) {
			if (handler[i])
				netdev_rx_handler_unregister(port_dev[i]);
		}
	}
	rtnl_unlock();
	return err;
}

static void sinks_unregister(void)
{
	int i;

	rtnl_lock();
	for (i = 0; i < BENCH_PORTS; i++) {
		rx_handler_func_t *handler = rtnl_dereference(port_dev[i]->rx_handler);

		if (handler == sink || handler == bounce)
			netdev_rx_handler_unregister(port_dev[i]);
	}
	rtnl_unlock();
}

static int port_set(const struct bench_port *arg)
{
	struct net_device *dev;
	struct net *net;

	if (arg->index >= BENCH_PORTS || strnlen(arg->name, BENCH_NAME_LEN) == BENCH_NAME_LEN)
		return -EINVAL;

	net = get_net_ns_by_fd(arg->netns);
	if (IS_ERR(net))
		return PTR_ERR(net);
	dev = dev_get_by_name(net, arg->name);
	put_net(net);
	if (!dev)
		return -ENODEV;

	if (port_dev[arg->index])
		dev_put(port_dev[arg->index]);
	port_dev[arg->index] = dev;
	return 0;
}

static int flows_set(const struct bench_flows *arg)
{
	size_t size = array_size(arg->count, sizeof(*flows));
	struct bench_flow *new;
	u32 i;

	if (arg->count > BENCH_FLOWS_MAX)
		return -EINVAL;
	if (!arg->count) {
		vfree(flows);
		flows = NULL;
		flow_count = 0;
		return 0;
	}

	new = vmalloc(size);
	if (!new)
		return -ENOMEM;
	if (copy_from_user(new, u64_to_user_ptr(arg->flows), size)) {
		vfree(new);
		return -EFAULT;
	}
	for (i = 0; i < arg->count; i++) {
		if (new[i].port != BENCH_PORT_A && new[i].port != BENCH_PORT_B) {
			vfree(new);
			return -EINVAL;
		}
		new[i].sum = (__force __u32)flow_sum(&new[i], i);
		new[i].seq = 0;
	}

	vfree(flows);
	flows = new;
	flow_count = arg->count;
	flow_next = 0;
	return 0;
}

static int run_do(struct bench_run *run)
{
	u32 i;
	int err;

	for (i = 0; i < BENCH_PORTS; i++) {
		if (!port_dev[i])
			return -ENODEV;
	}
	if (!flow_count || run->flows > flow_count || run->mode >= BENCH_MODES)
		return -EINVAL;

	for (i = 0; i < flow_count; i++)
		flows[i].good = 0;
	received = 0;
	awaited = 0;
	wrong = 0;
	first_wrong = 0;
	first_error = PACKET_GOOD;
	verifying = run->verify;
	through = run->mode == BENCH_MODE_THROUGH || run->mode == BENCH_MODE_RESENT;
	ttl_expected = run->mode == BENCH_MODE_THROUGH ? TTL - 1 : TTL;
	flow_end = run->flows ?: flow_count;
	if (flow_next >= flow_end)
		flow_next = 0;
	run->sent = 0;
	run->silent = 0;

	err = sinks_register(run->mode);
	if (err)
		return err;
	send_all(run);
	sinks_unregister();
	if (!verifying)
		run->number = run_number++;

	run->received = received;
	run->wrong = wrong;
	run->first_wrong = first_wrong;
	run->first_error = first_error;
	for (i = 0; verifying && i < flow_end; i++)
		run->silent += !flows[i].good;
	return 0;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct bench_flows flows_arg;
	struct bench_port port;
	struct bench_run run;
	long err;

	mutex_lock(&lock);
	switch (cmd) {
	case BENCH_IOC_PORT:
		err = copy_from_user(&port, user, sizeof(port)) ? -EFAULT : port_set(&port);
		break;
	case BENCH_IOC_FLOWS:
		err = copy_from_user(&flows_arg, user, sizeof(flows_arg)) ? -EFAULT :
									   flows_set(&flows_arg);
		break;
	case BENCH_IOC_RUN:
		err = copy_from_user(&run, user, sizeof(run)) ? -EFAULT : run_do(&run);
		if (!err && copy_to_user(user, &run, sizeof(run)))
			err = -EFAULT;
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&lock);
	return err;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "nattrav_bench",
	.fops = &bench_fops,
	.mode = 0600,
};

static int __init bench_init(void)
{
	size_t i;

	for (i = 0; i < sizeof(filler); i++)
		filler[i] = i * 37 + 11;

	return misc_register(&bench_device);
}

static void __exit bench_exit(void)
{
	int i;

	misc_deregister(&bench_device);
	for (i = 0; i < BENCH_PORTS; i++)
		dev_put(port_dev[i]);
	vfree(flows);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Generator and sink of nattrav's benchmark");
MODULE_AUTHOR("The nattrav authors");
MODULE_LICENSE("GPL");
