// The parts of a job as processes of Nextflow. A recipe: the tests do not run it.
//
//     nextflow run scripts/cluster/main.nf --input "$PWD/rxrx1" --output "$PWD/rxrx1-zarr" \
//         --parts 200 --options "--codec zstd" -resume
//
// INPUT and OUTPUT are absolute paths on a file system that all nodes share, and that has locks
// (flock), or addresses in a bucket. OUTPUT is no output of Nextflow: it is not copied.
params.input = null
params.output = null
params.parts = 200
params.options = ''
params.threads = 4

process PLAN {
    executor 'local'

    output:
    val true

    script:
    """
    rxrx2zarr job init '${params.input}' '${params.output}' --parts ${params.parts} ${params.options}
    """
}

process PART {
    cpus params.threads
    errorStrategy 'retry'
    maxRetries 5

    input:
    val planned
    each part

    output:
    val part

    script:
    """
    rxrx2zarr --quiet job run '${params.output}' ${part} --jobs ${task.cpus}
    """
}

process SEAL {
    executor 'local'

    input:
    val parts

    // 3 says that images are missing or could not be used: the dataset is complete all the same.
    script:
    """
    rxrx2zarr job seal '${params.output}' || [ \$? -eq 3 ]
    """
}

workflow {
    PLAN()
    PART(PLAN.out, Channel.of(0..(params.parts as int) - 1))
    SEAL(PART.out.collect())
}
