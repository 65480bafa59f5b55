// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the table: ranges, ports, rest, look-up.
 */
#include "table.c"

#include "nattrav_kunit.h"

/* The tests have no addresses; all are local to them. */
bool nattrav_addr_is_local(struct net *net, const union nf_inet_addr *addr, u8 family)
{
	return true;
}

/* Of stream.c; the table only makes and frees what it describes. */
const struct rhashtable_params nattrav_call_params = {
	.key_len = sizeof(u32),
	.key_offset = offsetof(struct nattrav_call, refs),
	.head_offset = offsetof(struct nattrav_call, node),
};

#define LEGS 16

struct table_state {
	struct nattrav_net nn;
	struct nattrav_leg leg[LEGS];
};

static int table_test_init(struct kunit *test)
{
	struct table_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	if (!state)
		return -ENOMEM;

	mutex_init(&state->nn.lock);
	state->nn.net = &init_net;
	test->priv = state;
	return nattrav_table_init(&state->nn);
}

static void table_test_exit(struct kunit *test)
{
	struct table_state *state = test->priv;

	if (state)
		nattrav_table_exit(&state->nn);
}

static struct nattrav_pool *pool_of(struct table_state *state, u16 min, u16 max)
{
	union nf_inet_addr addr = addr4(RELAY4);

	return nattrav_pool_add(&state->nn, &addr, AF_INET, min, max, "", NULL);
}

static int take(struct table_state *state, unsigned int leg, u16 port, bool pair)
{
	struct nattrav_port_wish wish = { .family = AF_INET, .port = port, .pair = pair };

	return nattrav_port_take(&state->nn, &wish, &state->leg[leg],
				 pair ? &state->leg[leg + 1] : NULL, NULL);
}

static void give_back(struct nattrav_leg *leg, bool rest)
{
	nattrav_port_release(leg, rest);
	nattrav_pool_put(leg->pool);
	leg->pool = NULL;
}

static void table_range_test(struct kunit *test)
{
	struct table_state *state = test->priv;

	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 0, 9)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1001, 1009)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1000, 1008)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1002, 1001)), -EINVAL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 1000, 1009)));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1008, 1011)), -EEXIST);
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 1010, 1011)));
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 65534, 65535)));
	KUNIT_EXPECT_EQ(test, state->nn.pool_count, 3);

	KUNIT_EXPECT_EQ(test, take(state, 0, 998, false), -ERANGE);
	KUNIT_EXPECT_EQ(test, take(state, 0, 1012, false), -ERANGE);
	KUNIT_EXPECT_EQ(test, take(state, 0, 1001, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, take(state, 0, 65534, true), 0);
	KUNIT_EXPECT_EQ(test, ntohs(state->leg[1].local_port), 65535);
	KUNIT_EXPECT_EQ(test, take(state, 2, 65535, false), -EADDRINUSE);
	give_back(&state->leg[0], true);
	give_back(&state->leg[1], true);
}

static void table_pairs_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_pool *pool = pool_of(state, 1000, 1009);
	unsigned int leg, seen = 0;
	u16 port;

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	for (leg = 0; leg < 10; leg += 2) {
		KUNIT_ASSERT_EQ(test, take(state, leg, 0, true), 0);
		port = ntohs(state->leg[leg].local_port);
		KUNIT_EXPECT_EQ(test, port % 2, 0);
		KUNIT_EXPECT_EQ(test, ntohs(state->leg[leg + 1].local_port), port + 1);
		KUNIT_EXPECT_TRUE(test, port >= 1000 && port <= 1008);
		seen |= BIT(port - 1000);
	}
	KUNIT_EXPECT_EQ(test, seen, 0x155);
	KUNIT_EXPECT_EQ(test, pool->legs, 10);
	KUNIT_EXPECT_EQ(test, take(state, 10, 0, true), -ENOSPC);
	KUNIT_EXPECT_EQ(test, take(state, 10, 0, false), -ENOSPC);
	for (leg = 0; leg < 10; leg++)
		give_back(&state->leg[leg], false);
	KUNIT_EXPECT_EQ(test, pool->legs, 0);
}

static void table_rest_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_pool *pool = pool_of(state, 1000, 1001);

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	KUNIT_ASSERT_EQ(test, take(state, 0, 0, false), 0);
	give_back(&state->leg[0], true);
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 1);
	KUNIT_EXPECT_EQ(test, take(state, 0, 0, false), -ENOSPC);

	/* By number it is had while it rests. */
	KUNIT_EXPECT_EQ(test, take(state, 0, 1000, false), 0);
	give_back(&state->leg[0], true);

	/* As if it had been freed long ago; it may be before the boot. */
	pool->block->freed[1000] -= NATTRAV_REST_SECONDS;
	pool->aged -= NATTRAV_REST_SECONDS;
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 0);
	KUNIT_EXPECT_EQ(test, take(state, 0, 0, false), 0);
	give_back(&state->leg[0], false);
}

/* What a port was freed for outlives its pool, but not for ever. */
static void table_rest_without_pool_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_pool *pool = pool_of(state, 1000, 1003);
	struct nattrav_block *block;

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	KUNIT_EXPECT_EQ(test, nattrav_pool_percent(pool), 0);
	KUNIT_ASSERT_EQ(test, take(state, 0, 1000, true), 0);
	KUNIT_EXPECT_EQ(test, nattrav_pool_percent(pool), 50);
	give_back(&state->leg[0], true);
	give_back(&state->leg[1], true);
	KUNIT_EXPECT_EQ(test, nattrav_pool_percent(pool), 50);
	nattrav_pool_del(&state->nn, pool);
	KUNIT_EXPECT_TRUE(test, nattrav_table_reap(&state->nn));

	pool = pool_of(state, 1000, 1001);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	KUNIT_EXPECT_FALSE(test, nattrav_table_reap(&state->nn));
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 2);
	KUNIT_EXPECT_EQ(test, nattrav_pool_percent(pool), 100);
	KUNIT_EXPECT_EQ(test, take(state, 0, 0, false), -ENOSPC);

	/* Taken by number and given back unused, it rests on. */
	KUNIT_EXPECT_EQ(test, take(state, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 1);
	give_back(&state->leg[0], false);
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 2);

	block = pool->block;
	nattrav_pool_del(&state->nn, pool);
	KUNIT_EXPECT_TRUE(test, nattrav_table_reap(&state->nn));
	block->freed_last -= NATTRAV_REST_SECONDS;
	KUNIT_EXPECT_FALSE(test, nattrav_table_reap(&state->nn));
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, nattrav_block_find4(&state->nn, htonl(RELAY4)));
	rcu_read_unlock();
}

static void table_look_up_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_block *block;

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool_of(state, 1000, 1001)));
	KUNIT_ASSERT_EQ(test, take(state, 0, 1000, false), 0);

	rcu_read_lock();
	block = nattrav_block_find4(&state->nn, htonl(RELAY4));
	KUNIT_EXPECT_NULL(test, nattrav_block_find4(&state->nn, htonl(OTHER4)));
	if (block) {
		KUNIT_EXPECT_NULL(test, rcu_dereference(block->port[1000]));
		nattrav_port_publish(&state->leg[0]);
		KUNIT_EXPECT_PTR_EQ(test, rcu_dereference(block->port[1000]), &state->leg[0]);
		give_back(&state->leg[0], false);
		KUNIT_EXPECT_NULL(test, rcu_dereference(block->port[1000]));
	}
	rcu_read_unlock();
	KUNIT_EXPECT_NOT_NULL(test, block);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_range_test),
	KUNIT_CASE(table_pairs_test),
	KUNIT_CASE(table_rest_test),
	KUNIT_CASE(table_rest_without_pool_test),
	KUNIT_CASE(table_look_up_test),
	{}
};

static struct kunit_suite table_suite = {
	.name = "nattrav_table",
	.init = table_test_init,
	.exit = table_test_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);
