// The S3 storage driver of docker distribution, doing what bench/driver/operations.cpp has ours do.
//
//	go_driver --operation NAME --endpoint URL --bucket NAME [options]
//
// Credentials come from the environment. Prints one line of JSON; bench/run.py, which builds this
// with Debian's Go packages, compares it with that of ours.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/docker/distribution/registry/storage/driver/factory"
	_ "github.com/docker/distribution/registry/storage/driver/s3-aws"
)

type options struct {
	operation string
	endpoint  string
	bucket    string
	chunk     int64
	size      int64
	count     int
	files     int
	verify    bool
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.operation, "operation", "", "writer, reader, put_content, ...")
	flag.StringVar(&o.endpoint, "endpoint", "", "URL of the S3 server")
	flag.StringVar(&o.bucket, "bucket", "", "an existing bucket")
	flag.Int64Var(&o.chunk, "chunk-size", 10<<20, "bytes of each part")
	flag.Int64Var(&o.size, "size", 1<<30, "bytes of each file")
	flag.IntVar(&o.count, "count", 1, "how often; put_content, get_content, stat: on how many files")
	flag.IntVar(&o.files, "files", 1000, "list: how many there are")
	flag.BoolVar(&o.verify, "verify", false, "compare what is read with what should be there")
	flag.Parse()
	return o
}

// usage is the process's time so far.
type usage struct {
	wall      time.Time
	user, sys float64
}

func seconds(value syscall.Timeval) float64 {
	return float64(value.Sec) + float64(value.Usec)/1e6
}

func usageNow() (usage, error) {
	var used syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return usage{time.Now(), seconds(used.Utime), seconds(used.Stime)}, err
}

// rssPeakBytes is VmHWM, which unlike ru_maxrss does not remember the program that forked us.
func rssPeakBytes() (int64, error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "VmHWM:") {
			var kibibytes int64
			_, err := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kibibytes)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}

// measure does the operation and says what it took, but for the peak, which is of the whole process.
func measure(o options, work operation) (map[string]interface{}, error) {
	driver, err := factory.Create("s3aws", map[string]interface{}{
		"region":         "us-east-1",
		"regionendpoint": o.endpoint,
		"bucket":         o.bucket,
		"secure":         strings.HasPrefix(o.endpoint, "https:"),
		"chunksize":      o.chunk,
	})
	if err != nil {
		return nil, err
	}
	r := &run{driver: driver, context: context.Background(), options: o, content: newContent()}
	before, err := usageNow()
	if err != nil {
		return nil, err
	}
	if err := work(r); err != nil {
		return nil, err
	}
	after, err := usageNow()
	if err != nil {
		return nil, err
	}
	rss, err := rssPeakBytes()
	return map[string]interface{}{
		"program":        "go_driver " + o.operation,
		"version":        runtime.Version(),
		"bytes":          r.bytes,
		"wall_s":         after.wall.Sub(before.wall).Seconds(),
		"user_s":         after.user - before.user,
		"sys_s":          after.sys - before.sys,
		"rss_peak_bytes": rss,
	}, err
}

func runAndPrint() error {
	o := parseOptions()
	work, known := operations[o.operation]
	if !known {
		return fmt.Errorf("no operation %q", o.operation)
	}
	figures, err := measure(o, work)
	if err != nil {
		return err
	}
	line, err := json.Marshal(figures)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

func main() {
	if err := runAndPrint(); err != nil {
		fmt.Fprintln(os.Stderr, "go_driver:", err)
		os.Exit(1)
	}
}
