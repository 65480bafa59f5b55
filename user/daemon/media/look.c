// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the streams of a call are like now, for whoever asks.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "media/internal.h"

static bool stream_look(struct media *media, const struct call_stream *stream,
			struct media_view *view)
{
	unsigned int side;

	memset(view, 0, sizeof(*view));
	view->index = stream->index;
	view->type = stream->type ? stream->type : "";
	view->protocol = stream->protocol;
	view->mux = stream->mux;
	for (side = 0; side < ARRAY_SIZE(view->sdp); side++)
		view->sdp[side] = stream->leg[side].sdp_sa;

	if (!stream->id || media->ops->stream_get(media->datapath, stream->id, &view->rtp))
		return false;
	if (stream->rtcp && media->ops->stream_get(media->datapath, stream->rtcp, &view->rtcp))
		view->rtcp.id = 0;
	return true;
}

unsigned int media_look(struct media *media, const struct media_call *call, media_view_fn *fn,
			void *arg)
{
	struct media_view view;
	struct call *record;
	unsigned int count = 0;
	char *name = NULL;
	struct le *le;

	if (media_call_name(&name, call))
		return 0;

	record = call_find(media->calls, name);
	mem_deref(name);
	if (!record)
		return 0;

	LIST_FOREACH(&record->streams, le) {
		if (!stream_look(media, le->data, &view))
			continue;
		fn(&view, arg);
		count++;
	}

	return count;
}

int media_info(struct media *media, struct nattrav_info *info)
{
	return -media->ops->info(media->datapath, info);
}
