// Calls a target without pause and says on demand how the calls went. Each line on stdin is a command: "report" prints counts by
// the names that servers answer with, and errors, since the last report. It ends with stdin.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	_ "google.golang.org/grpc/xds"
)

const (
	method      = "/fairlead.test.Who/Ask"
	workers     = 4
	callTimeout = 20 * time.Second
)

// raw passes messages through as bytes.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(b []byte, v any) error { *(v.(*[]byte)) = append([]byte{}, b...); return nil }
func (raw) Name() string                    { return "raw" }

type report struct {
	Counts map[string]int `json:"counts"`
	Errors []string       `json:"errors"`
}

func main() {
	target := os.Args[1]
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.WaitForReady(len(os.Args) > 2)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var lock sync.Mutex
	current := report{Counts: map[string]int{}, Errors: []string{}}
	for i := range workers {
		go func() {
			for n := 0; ; n++ {
				ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
				ctx = metadata.AppendToOutgoingContext(ctx, "user", fmt.Sprint(i))
				request, response := []byte{}, []byte{}
				err := conn.Invoke(ctx, method, &request, &response)
				cancel()
				lock.Lock()
				if err != nil {
					current.Errors = append(current.Errors, err.Error())
				} else {
					current.Counts[string(response)]++
				}
				lock.Unlock()
				time.Sleep(2 * time.Millisecond)
			}
		}()
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		lock.Lock()
		text, _ := json.Marshal(current)
		current = report{Counts: map[string]int{}, Errors: []string{}}
		lock.Unlock()
		fmt.Println(string(text))
	}
}
