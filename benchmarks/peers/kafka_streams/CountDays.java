import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/**
 * Kafka Streams' tumbling-window count of a film's mentions by UTC day, as its developer guide has it
 * (https://kafka.apache.org/43/streams/developer-guide/dsl-api/): groupByKey, windowedBy, count.
 *
 * <p>Everything is at its default (RocksDB, a changelog, a record cache of 10 MB, a commit every 30 seconds, one
 * stream thread) except where it starts to read. Each record counts, one that comes again too.
 *
 * <p>It takes the film alone from the key, so that nothing has to be repartitioned (the topic is partitioned by film),
 * and the time from the record's timestamp, its default and fastest way. The grace is that of the pipeline, 48 hours.
 *
 * <p>Arguments: bootstrap, topic, output topic, application id, records, state directory, file of the key's schema.
 */
public final class CountDays {
    private static final int HEADER_BYTES = 5;
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration GRACE = Duration.ofHours(48);

    /** Reads the film from a key in Confluent's wire format. */
    private static final class FilmDeserializer implements Deserializer<Long> {
        private final GenericDatumReader<GenericRecord> reader;
        private BinaryDecoder decoder;
        private GenericRecord key;

        FilmDeserializer(Schema written) {
            reader = new GenericDatumReader<>(written);
        }

        @Override
        public Long deserialize(String topic, byte[] data) {
            try {
                decoder = DecoderFactory.get().binaryDecoder(data, HEADER_BYTES, data.length - HEADER_BYTES, decoder);
                key = reader.read(key, decoder);
                return (Long) key.get(0);
            } catch (IOException error) {
                throw new IllegalArgumentException(error);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        String output = arguments[2];
        long expected = Long.parseLong(arguments[4]);
        Schema schema = new Schema.Parser().parse(Path.of(arguments[6]).toFile());

        Properties config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
        config.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");

        AtomicLong started = new AtomicLong();
        AtomicLong startedCpu = new AtomicLong();
        AtomicLong seen = new AtomicLong();
        CountDownLatch done = new CountDownLatch(1);

        Serde<Long> films = Serdes.serdeFrom(Serdes.Long().serializer(), new FilmDeserializer(schema));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(topic, Consumed.with(films, Serdes.ByteArray()))
                .peek((film, mention) -> {
                    long number = seen.incrementAndGet();
                    if (number == 1) {
                        started.set(System.nanoTime());
                        startedCpu.set(cpuNanos());
                    } else if (number == expected) {
                        done.countDown();
                    }
                })
                .groupByKey(Grouped.with(Serdes.Long(), Serdes.ByteArray()))
                .windowedBy(TimeWindows.ofSizeAndGrace(DAY, GRACE))
                .count()
                .toStream()
                .to(output, Produced.with(
                        WindowedSerdes.timeWindowedSerdeFrom(Long.class, DAY.toMillis()), Serdes.Long()));

        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setUncaughtExceptionHandler(error -> {
            System.err.println(error);
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.start();
        done.await();
        // Closing commits: the cache and the changelog are flushed and the last counts delivered.
        streams.close();
        double seconds = (System.nanoTime() - started.get()) / 1e9;
        double cpuSeconds = (cpuNanos() - startedCpu.get()) / 1e9;
        System.out.printf(
                "{\"records\": %d, \"seconds\": %f, \"cpu_seconds\": %f}%n", seen.get(), seconds, cpuSeconds);
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private CountDays() {}
}
