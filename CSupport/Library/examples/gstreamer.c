// gstreamer MODEL PIPELINE: what a model says of the frames of a GStreamer pipeline, such as 'v4l2src' or 'filesrc
// location=film.mp4 ! decodebin', one line a frame.
//
//     cc gstreamer.c $(pkg-config --cflags --libs rarebit gstreamer-app-1.0 gstreamer-video-1.0) -o gstreamer
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <rarebit.h>
#include <stdio.h>
#include <stdlib.h>

static rarebit_error error;

static void fail(const char *text) {
    fprintf(stderr, "gstreamer: %s\n", text);
    exit(1);
}

static void check(int32_t code) {
    if (code != RAREBIT_OK) {
        fail(error.text);
    }
}

static void *memory_of(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fail("no memory");
    }
    return memory;
}

typedef struct {
    rarebit_model model;
    rarebit_engine engine;
    rarebit_view view;
    int width, height; // that the view is for
    void *workspace;
} classifier;

static void answer(classifier *self, GstSample *sample) {
    GstVideoInfo info;
    GstVideoFrame frame;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
        fail("a frame cannot be read");
    }
    const rarebit_geometry geometry = {.format = RAREBIT_RGB24, .width = info.width, .height = info.height};
    if (self->width != info.width || self->height != info.height) {
        size_t bytes;
        check(rarebit_view_bytes(&self->model, &geometry, &bytes, &error));
        free(self->workspace);
        self->workspace = memory_of(bytes);
        check(rarebit_view_start(&self->view, &self->model, &geometry, self->workspace, bytes, &error));
        self->width = info.width;
        self->height = info.height;
    }
    // GStreamer has rows begin at multiples of four bytes.
    const rarebit_picture picture = {.data = {GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)},
                                     .bytes = {frame.map[0].size},
                                     .stride = {GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)}};
    rarebit_answer given;
    check(rarebit_show(&self->engine, &self->view, &picture, &error));
    gst_video_frame_unmap(&frame);
    check(rarebit_run(&self->engine, NULL, &given, &error));
    printf("logits %08x", given.logits_crc);
    for (int32_t i = 0; i < given.count; i++) {
        size_t bytes;
        const char *name = rarebit_class_name(&self->model, given.classes[i].class_index, &bytes);
        printf(", %.*s %.3f", (int)bytes, name, (double)given.classes[i].probability);
    }
    putchar('\n');
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: gstreamer MODEL PIPELINE\n");
        return 2;
    }
    gst_init(NULL, NULL);
    classifier self = {0};
    size_t bytes;
    check(rarebit_open(&self.model, arguments[1], &error));
    check(rarebit_arena_bytes(&self.model, NULL, &bytes, &error));
    void *arena = memory_of(bytes);
    check(rarebit_start(&self.engine, &self.model, NULL, arena, bytes, &error));

    gchar *text =
        g_strdup_printf("%s ! videoconvert ! video/x-raw,format=RGB ! appsink name=frames sync=false", arguments[2]);
    GError *fault = NULL;
    GstElement *pipeline = gst_parse_launch(text, &fault);
    if (fault) {
        fail(fault->message);
    }
    GstAppSink *frames = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "frames"));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    while (!gst_app_sink_is_eos(frames)) {
        // Where a part of the pipeline fails there is neither a frame nor an end: the bus says so.
        GstSample *sample = gst_app_sink_try_pull_sample(frames, GST_SECOND / 10);
        if (sample) {
            answer(&self, sample);
            gst_sample_unref(sample);
            continue;
        }
        GstMessage *message = gst_bus_pop_filtered(GST_ELEMENT_BUS(pipeline), GST_MESSAGE_ERROR);
        if (message) {
            gst_message_parse_error(message, &fault, NULL);
            fail(fault->message);
        }
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(frames);
    gst_object_unref(pipeline);
    g_free(text);
    rarebit_stop(&self.engine);
    rarebit_close(&self.model);
    free(self.workspace);
    free(arena);
}
